from django.urls import include, path

from cases import change_views, views

app_name = "cases"

case_urls = [
    path("", views.case_list, name="case-list"),
    path("/new", views.case_new, name="case-new"),
    path("/<int:number>", views.case_detail, name="case-detail"),
    path("/<int:number>/edit", views.case_edit, name="case-edit"),
    path("/<int:number>/add", change_views.traces_add, name="traces-add"),
    path("/<int:number>/remove", change_views.trace_remove, name="trace-remove"),
    path("/<int:number>/comment", change_views.comment, name="comment"),
    path("/<int:number>/close", change_views.close, name="close"),
    path("/<int:number>/reopen", change_views.reopen, name="reopen"),
    path("/<int:number>/undo/<int:event_id>", change_views.undo_event, name="undo"),
    path("/<int:number>/delete", change_views.delete, name="delete"),
]

urlpatterns = [path("p/<slug:project_slug>/cases", include(case_urls))]
