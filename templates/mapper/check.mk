	$(CHECK) ./$(NAME).so
